"""What is judged, seen from inside and outside: images and containers of ours, a user's tree, live hosts."""
