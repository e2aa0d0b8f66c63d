"""The wire: strict JSON in, problem documents for every refusal, answers with units in their names."""
