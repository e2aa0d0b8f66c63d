"""The tables' revisions, from the first to today's; `service.store.revision` walks them."""
