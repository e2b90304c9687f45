"""The built-in face set: identities and expressions rendered to photographs with exact landmarks."""
