"""An index for assistants: tools of the Model Context Protocol, over stdio and HTTP."""
