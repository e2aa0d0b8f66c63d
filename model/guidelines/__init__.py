"""Published guidelines, and what each tier of care can do, as data about a study's patients."""
