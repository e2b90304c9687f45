"""What a participant or an animal meets: sessions, questionnaires, allocation."""
