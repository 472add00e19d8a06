"""Tracking: jobs append to local journals; `semcom track sync` delivers them to MLflow later."""
