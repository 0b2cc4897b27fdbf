//! Plays API Gateway: HTTP in front of the ingest handler.
