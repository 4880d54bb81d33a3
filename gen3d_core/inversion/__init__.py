"""From pictures to the codes of what they show (GAN inversion), without torch."""
