"""The window and the picture: landscapes drawn with ModernGL, panels with Dear ImGui."""
