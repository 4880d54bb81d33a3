"""Conditioned fields to pictures: cameras, surface search, volume rendering, patches. Needs torch."""
