"""What is shown: faces, landmarks, morph videos, and the checks on them."""
