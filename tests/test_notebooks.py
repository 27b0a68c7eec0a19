import pathlib

import pytest

NOTEBOOKS = pathlib.Path(__file__).parent.parent / "notebooks"
WRITES = {
    "01_first_gan": {"fashion.keras", "saved_models"},
    "02_conditional_and_classify": {"clothes.keras", "saved_models"},
    "03_data_augmentation": {"few.keras"},
}


@pytest.mark.large
@pytest.mark.parametrize(
    "path", sorted(NOTEBOOKS.glob("*.ipynb")), ids=lambda path: path.stem
)
@pytest.mark.filterwarnings("ignore")
def test_notebook_runs_in_short_form(path, tmp_path):
    nbformat = pytest.importorskip("nbformat")
    nbclient = pytest.importorskip("nbclient")
    notebook = nbformat.read(path, as_version=4)
    settings = next(c for c in notebook.cells if c.cell_type == "code")
    assert settings.source.startswith("EPOCHS = ")
    assert "\nSTEPS = None" in settings.source
    settings.source = "EPOCHS = 2\nSTEPS = 3"
    client = nbclient.NotebookClient(
        notebook, timeout=300, resources={"metadata": {"path": str(tmp_path)}}
    )
    client.execute()
    made = {file.name for file in tmp_path.iterdir()}
    assert {"samples", "curves.png"} | WRITES[path.stem] <= made
    shown = [
        output
        for cell in notebook.cells
        for output in cell.get("outputs", [])
        if "image/png" in output.get("data", {})
    ]
    assert len(shown) >= 3
