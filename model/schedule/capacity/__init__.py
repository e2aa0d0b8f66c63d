"""Plans of many patients who share the slots of a clinic."""
