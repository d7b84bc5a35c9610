"""A fake of the Hub's model API over real HTTP: the state is a `World`, the server a `FakeHub`."""
