"""
Owns the dailies: the page on which people judge a day's takes, the page that lays the takes of one
shot side by side, and contact sheets of posters.
Refuses to know ledgers, vaults and schedules: a value goes in, one file comes out.
Its one entry point is `onestory.dailies.rendering`: `render_page` and `render_comparison`.
"""
