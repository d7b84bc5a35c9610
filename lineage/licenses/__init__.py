"""What licences say, as data: one file a licence in lineage/data/licenses."""
