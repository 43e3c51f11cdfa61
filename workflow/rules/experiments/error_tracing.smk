"""Where right answers get lost: reading truth and answer layer by layer, and the layers that break or correct."""
