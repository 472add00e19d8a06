"""The params of the second system, CRLSC: the section `crlsc` of a params file, its checks, its jobs."""
