// A page that only shows its words.
