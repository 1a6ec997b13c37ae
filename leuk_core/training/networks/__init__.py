"""Training of the zoo's networks: batches, schedules, cached trunks, cross-validation, and the version that is stored.

Nothing here imports Keras before a network is built.
"""
