"""The web process: uvicorn with our settings, sockets and limits, alone or several behind one port."""
