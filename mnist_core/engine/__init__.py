"""The engine: Dask workers that train and predict, in processes of their own."""
