"""Every schedule that was given for a patient, with all that it rested on, so that it can be given again."""
