"""The three-way merge beside nbdime and `git merge-file`, on the same documents in one run."""
