"""One file per revision, each named by its number. A revision that was released is never changed."""
