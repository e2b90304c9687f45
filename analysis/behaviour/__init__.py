"""Response times and answers. Tables in, new tables out."""
