"""The rules' SQL, compiled to Python functions over lists of tuples, for one live conversation at a time.

DuckDB sets each operator up for 2,048 rows, which costs a hundred times what twenty turns need. So the SELECTs of `sql/` are
parsed by DuckDB itself and translated once, at start-up: a subset of SQL with DuckDB's meaning, and a clear refusal of the
rest (`Unsupported`), for which `online` asks DuckDB.

    tree         DuckDB's syntax tree of a file, and what is refused
    kinds        what an expression gives: its code, its kind, where it is TRUE or FALSE
    scalars      functions at run time, and lists, documents (JSON), patterns (RE2, as in DuckDB), letters (cases, plain text)
    scopes       what a name means
    functions    SQL functions as code; casts, expressions, aggregates, windows, joins, selects: the parts of a SELECT as code
    folds        what aggregates do at run time; frames: windows; tables: rows and indexes
    program      all relations and rules of a profile, compiled and run
"""
