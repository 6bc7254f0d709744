"""An honest driver passes everything, whatever it declares and whether or not its link breaks."""

from honest import rehearse
