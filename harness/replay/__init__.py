"""Second floor: make a recorded log ready, and put it to the deployments as a pacer says."""
