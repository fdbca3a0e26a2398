"""What makes a stage out of a function: delivery, failure, memory, drain. It knows nothing of video."""
