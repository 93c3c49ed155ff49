"""One training loop for teachers and student, and its parts: objective, optimiser, sampler, augmentation."""
