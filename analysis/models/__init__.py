"""Statistical models that know nothing of faces, muscles or mice."""
