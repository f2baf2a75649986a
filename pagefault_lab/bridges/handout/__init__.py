"""A lesson on paper: what someone who takes it is told, part by part, with room for what they do.

content.py goes through the lesson for a seed, in an attempt as any other; html.py makes a page of that, markdown.py
plain Markdown. Neither holds anything that acts: what a lesson says is text in them, whoever has written it.
"""
