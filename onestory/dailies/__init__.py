"""
Owns the dailies: the page on which people judge a day's takes, and contact sheets of posters.
Refuses to know ledgers, vaults and schedules: a value goes in, one file comes out.
Its one entry point is `onestory.dailies.rendering.render_page`.
"""
