@rem The scripts of package.json begin with the exec of a POSIX shell, so that signals to npm reach node. This is exec for cmd.exe.
@%*
