"""May something reach more people, by what is known of it?

`policy` reads the stages and gates, `engine` holds something against them, `inputs` knows what each gate looks at
for a skill. `records` keeps what people decided, `request` prepares the move. Nothing here moves anything by itself.
"""
