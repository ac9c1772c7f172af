"""First floor: what is sent when, in which order, in what form and for how much; what is mirrored,
how it is carried, and how the halves find each other. Pure."""
