"""The HTTP service: patients and visits in, risk and schedule out, and pages for people."""
