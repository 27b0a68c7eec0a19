"""What a trained GAN is worth: numbers beside their floor, and a page."""
