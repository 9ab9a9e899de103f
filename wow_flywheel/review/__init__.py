"""Review by people: which cases first, the page where they decide, and the ways out to other labelling tools and back."""
