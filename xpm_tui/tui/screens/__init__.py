"""The screens of the console, one module each; stylesheets of the same names are in styles/."""
