"""Making encoders: reading pairs, distilling the Kabardian student, measuring it."""
