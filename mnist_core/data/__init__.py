"""The MNIST database: the file itself, its loader, splits and augmentation."""
