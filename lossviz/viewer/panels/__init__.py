"""The sidebar: sections that edit parts of the view and return what they ask of the window."""
