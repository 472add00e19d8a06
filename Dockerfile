# The image that the Snakefile's `container:` names. Same installation as `make setup`.
#   docker build -t semcom:0.1 .
#   docker run --rm -v "$PWD/results:/semcom/results" semcom:0.1 make reproduce
FROM python:3.11-slim

RUN apt-get update \
    && apt-get install -y --no-install-recommends git make \
    && rm -rf /var/lib/apt/lists/*

WORKDIR /semcom

# The environment before the code, so that an edit of the code does not install 7 GB again.
COPY Makefile pyproject.toml constraints.txt README.md LICENSE ./
COPY src/semcom/__init__.py src/semcom/__init__.py
RUN PIP_NO_CACHE_DIR=1 make setup
COPY . .
# Copying gave files new time stamps; what they say is what was installed.
RUN make --touch setup

ENV PATH="/semcom/.venv/bin:$PATH"
CMD ["make", "help"]
