"""The picture of a conference: sources decoded, composed into scenes, encoded once for each rendition."""
