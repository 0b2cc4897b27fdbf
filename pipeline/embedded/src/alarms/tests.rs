//! Alarms over recorded datapoints.
