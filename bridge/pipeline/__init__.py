"""From the buffer to the commit: one attempt, its loop, its policy, and the lifecycle around attempts."""
