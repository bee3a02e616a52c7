"""The part of the build that compiles: everything else stands in pyproject.toml."""

from pathlib import Path

import numpy
from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext

KERNELS = Path("sklearn_backprop/_kernels")


class BuildExt(build_ext):
    """Compile with vector code, in a way that gives every processor the same bits."""

    def build_extensions(self):
        """Set the compiler's options, then build."""
        msvc = self.compiler.compiler_type == "msvc"
        # no fused multiply-add, which rounds once where there would be two roundings; no
        # -ffast-math: NaN has to come through
        options = "-O3 -fopenmp-simd -ffp-contract=off -fno-math-errno -fno-trapping-math"
        for extension in self.extensions:
            extension.extra_compile_args = ["/O2"] if msvc else options.split()
        super().build_extensions()


setup(
    ext_modules=[
        Extension(
            "sklearn_backprop._kernels.compiled",
            [str(KERNELS / "compiled.pyx")],
            include_dirs=[numpy.get_include()],
            depends=[str(path) for path in KERNELS.glob("*.[hp]*")],
            define_macros=[("NPY_NO_DEPRECATED_API", "NPY_1_7_API_VERSION")],
            optional=True,  # without a compiler the package runs on NumPy
        )
    ],
    cmdclass={"build_ext": BuildExt},
)
