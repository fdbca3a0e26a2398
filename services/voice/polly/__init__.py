"""What Amazon Polly is asked and answers; `services.voice.polly_speaker` speaks with it."""
