"""The Copenhagen cirrhosis trial: real patients, real visits, exact deaths."""
