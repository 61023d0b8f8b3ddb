(** * R^n with the Euclidean norm

    The vectors of n coordinates with ⟨u, v⟩ = Σ u_i v_i and ‖u‖ = sqrt(Σ u_i²) are an inner product space: what is
    proved in any such space holds in R^n. *)

From Coq Require Import Reals Lra FunctionalExtensionality.
From NatrobProofs Require Import normed_space inner_product_space coordinates.
Open Scope R_scope.

Definition dot_product {n} (u v : coordinates n) : R := sum (fun i => u i * v i).
Definition euclidean_norm {n} (u : coordinates n) : R := sqrt (sum (fun i => u i ^ 2)).

Lemma sum_of_squares_is_dot_product : forall n (u : coordinates n), sum (fun i => u i ^ 2) = dot_product u u.
Proof.
  intros n u. apply sum_extends. intro i. ring.
Qed.

Lemma dot_product_nonnegative : forall n (u : coordinates n), 0 <= dot_product u u.
Proof.
  intros n u. apply sum_nonnegative. intro i. apply Rle_0_sqr.
Qed.

Lemma norm_times_norm : forall n (u : coordinates n), euclidean_norm u * euclidean_norm u = dot_product u u.
Proof.
  intros n u. unfold euclidean_norm. rewrite sum_of_squares_is_dot_product.
  apply sqrt_sqrt. apply dot_product_nonnegative.
Qed.

Lemma euclidean_norm_nonnegative : forall n (u : coordinates n), 0 <= euclidean_norm u.
Proof.
  intros n u. apply sqrt_pos.
Qed.

Lemma dot_product_of_sum : forall n (u v w : coordinates n),
  dot_product (add_coordinates u v) w = dot_product u w + dot_product v w.
Proof.
  intros n u v w. unfold dot_product. rewrite <- sum_of_sums. apply sum_extends. intro i. unfold add_coordinates. ring.
Qed.

Lemma dot_product_of_multiple : forall n a (u v : coordinates n),
  dot_product (scale_coordinates a u) v = a * dot_product u v.
Proof.
  intros n a u v. unfold dot_product. rewrite <- sum_of_multiples. apply sum_extends. intro i.
  unfold scale_coordinates. ring.
Qed.

Lemma dot_product_commutes : forall n (u v : coordinates n), dot_product u v = dot_product v u.
Proof.
  intros n u v. apply sum_extends. intro i. ring.
Qed.

(** Cauchy and Schwarz: 0 ≤ Σ (S u_i − P v_i)² = S (S Σ u_i² − P²) with S = Σ v_i² and P = Σ u_i v_i. *)
Lemma cauchy_schwarz_for_sums : forall n (u v : coordinates n),
  dot_product u v * dot_product u v <= dot_product u u * dot_product v v.
Proof.
  intros n u v. pose proof (dot_product_nonnegative n v) as squares.
  destruct squares as [positive|null].
  - set (w := add_coordinates (scale_coordinates (dot_product v v) u) (scale_coordinates (- dot_product u v) v)).
    pose proof (dot_product_nonnegative n w) as square.
    replace (dot_product w w)
      with (dot_product v v * (dot_product u u * dot_product v v - dot_product u v * dot_product u v)) in square.
    + apply Rnot_lt_le. intro larger. pose proof (Rmult_lt_0_compat _ _ positive (Rlt_Rminus _ _ larger)). lra.
    + unfold w. rewrite !dot_product_of_sum, !dot_product_of_multiple.
      rewrite !(dot_product_commutes n _ (add_coordinates _ _)), !dot_product_of_sum, !dot_product_of_multiple.
      rewrite (dot_product_commutes n v u). ring.
  - (* v = 0 *)
    assert (forall i, v i = 0) as vanishes.
    { intro i. apply Rsqr_0_uniq. apply (sum_separates n (fun j => v j * v j)); [intro j; apply Rle_0_sqr|].
      symmetry. exact null. }
    replace (dot_product u v) with 0; [rewrite <- null; lra|].
    unfold dot_product. rewrite (sum_extends n _ (fun i => 0 * u i)), sum_of_multiples; [ring|].
    intro i. rewrite vanishes. ring.
Qed.

Lemma euclidean_triangle : forall n (u v : coordinates n),
  euclidean_norm (add_coordinates u v) <= euclidean_norm u + euclidean_norm v.
Proof.
  intros n u v.
  pose proof (euclidean_norm_nonnegative n u) as nonnegative_u.
  pose proof (euclidean_norm_nonnegative n v) as nonnegative_v.
  apply compare_squares; [lra|].
  (* ‖u + v‖² = ‖u‖² + 2⟨u, v⟩ + ‖v‖² ≤ (‖u‖ + ‖v‖)² *)
  rewrite norm_times_norm, dot_product_of_sum, !(dot_product_commutes n _ (add_coordinates u v)), !dot_product_of_sum.
  rewrite (dot_product_commutes n v u), <- !norm_times_norm.
  assert (dot_product u v <= euclidean_norm u * euclidean_norm v); [|lra].
  apply compare_squares; [apply Rmult_le_pos; assumption|].
  pose proof (cauchy_schwarz_for_sums n u v) as squares. rewrite <- !norm_times_norm in squares. lra.
Qed.

Lemma euclidean_norm_of_multiple : forall n a (u : coordinates n),
  euclidean_norm (scale_coordinates a u) = Rabs a * euclidean_norm u.
Proof.
  intros n a u. unfold euclidean_norm. rewrite <- sqrt_Rsqr_abs, <- sqrt_mult_alt by apply Rle_0_sqr.
  f_equal. rewrite <- sum_of_multiples. apply sum_extends. intro i. unfold scale_coordinates, Rsqr. ring.
Qed.

Lemma euclidean_norm_separates : forall n (u : coordinates n), euclidean_norm u = 0 -> u = zero_coordinates.
Proof.
  intros n u null. apply functional_extensionality. intro i. apply Rsqr_0_uniq.
  apply (sum_separates n (fun j => u j * u j)); [intro j; apply Rle_0_sqr|].
  change (dot_product u u = 0). rewrite <- norm_times_norm, null. ring.
Qed.

Definition euclidean_normed_space (n : nat) : NormedSpace.
Proof.
  refine {|
    carrier := coordinates n;
    zero := zero_coordinates;
    add := add_coordinates;
    opposite := opposite_coordinates;
    scale := scale_coordinates;
    norm := euclidean_norm;
    norm_triangle := euclidean_triangle n;
    norm_scale := euclidean_norm_of_multiple n;
    norm_separates := euclidean_norm_separates n
  |}; coordinatewise.
Defined.

Definition euclidean_space (n : nat) : InnerProductSpace := {|
  normed := euclidean_normed_space n;
  dot := dot_product : euclidean_normed_space n -> euclidean_normed_space n -> R;
  dot_symmetric := dot_product_commutes n;
  dot_add_left := dot_product_of_sum n;
  dot_scale_left := dot_product_of_multiple n;
  dot_is_norm_squared := fun u => eq_sym (norm_times_norm n u)
|}.
