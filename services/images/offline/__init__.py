"""The offline painter's studio: from a sentence to a picture, without a network or a model."""
