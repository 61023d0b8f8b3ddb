(** * The growth rate of RevNet's coupling

    Statement.   The larger eigenvalue of M = [[1, α], [β, 1 + αβ]] is ρ = exp(2 arsinh(√(αβ)/2)) ≤ exp(√(αβ)), and no
                 bound of n equal steps is below ρ^n.
    Assumptions. αβ ≥ 0
    Source.      theory, section 1
    Verdict.     proved for every h
    Theorems.    eigenvalue_equation, largest_eigenvalue, largest_eigenvalue_below_exponential,
                 power_of_the_largest_eigenvalue *)

From Coq Require Import Reals Lra Psatz.
From NatrobProofs Require Import pair_space spectral_norm_two_by_two revnet.
Open Scope R_scope.

(** ** The eigenvalues of M *)

Definition eigenvalue (M : Matrix) (lambda : R) : Prop :=
  exists u v, (u <> 0 \/ v <> 0) /\ upper_row M u v = lambda * u /\ lower_row M u v = lambda * v.

(** λ² − (2 + αβ)λ + 1 = 0: the trace is 2 + αβ, the determinant is 1. *)
Theorem eigenvalue_equation : forall alpha beta lambda,
  eigenvalue (coupling alpha beta) lambda <-> lambda * lambda - (2 + alpha * beta) * lambda + 1 = 0.
Proof.
  intros alpha beta lambda. unfold eigenvalue, upper_row, lower_row. simpl. split.
  - intros [u [v [nonzero [upper lower]]]].
    set (equation := lambda * lambda - (2 + alpha * beta) * lambda + 1).
    (* Cramer's rule: both components are annihilated *)
    assert (equation * u = 0) as first.
    { replace (equation * u) with
        ((lambda - (1 + alpha * beta)) * (lambda * u - (1 * u + alpha * v))
         + alpha * (lambda * v - (beta * u + (1 + alpha * beta) * v))) by (unfold equation; ring).
      rewrite upper, lower. ring. }
    assert (equation * v = 0) as second.
    { replace (equation * v) with
        ((lambda - 1) * (lambda * v - (beta * u + (1 + alpha * beta) * v))
         + beta * (lambda * u - (1 * u + alpha * v))) by (unfold equation; ring).
      rewrite upper, lower. ring. }
    destruct nonzero as [u_nonzero|v_nonzero].
    + destruct (Rmult_integral _ _ first); [assumption|contradiction].
    + destruct (Rmult_integral _ _ second); [assumption|contradiction].
  - intro equation. destruct (Req_dec alpha 0) as [null|regular].
    + (* α = 0 makes λ = 1 *)
      subst alpha. assert (lambda = 1) by nra. subst lambda.
      exists 0, 1. split; [right; lra|]. split; ring.
    + exists alpha, (lambda - 1). split; [left; assumption|]. split; [ring|]. nra.
Qed.

(** exp(2 arsinh(√(αβ)/2)) *)
Definition spectral_radius (alpha beta : R) : R := exp (2 * arcsinh (sqrt (alpha * beta) / 2)).

Lemma sum_with_inverse : forall alpha beta, 0 <= alpha * beta ->
  spectral_radius alpha beta + / spectral_radius alpha beta = 2 + alpha * beta.
Proof.
  intros alpha beta nonnegative. unfold spectral_radius.
  (* e^{2x} + e^{−2x} = 2 + (2 sinh x)², and 2 sinh x = √(αβ) *)
  pose proof (sinh_arcsinh (sqrt (alpha * beta) / 2)) as sinh_x.
  set (x := arcsinh (sqrt (alpha * beta) / 2)) in *. unfold sinh in sinh_x.
  rewrite <- exp_Ropp.
  replace (2 * x) with (x + x) by ring. replace (- (x + x)) with (- x + - x) by ring. rewrite !exp_plus.
  assert (exp x * exp (- x) = 1) as inverse by (rewrite <- exp_plus, Rplus_opp_r; apply exp_0).
  assert (sqrt (alpha * beta) = exp x - exp (- x)) as root by lra.
  pose proof (sqrt_sqrt _ nonnegative) as squared. rewrite root in squared. nra.
Qed.

(** The equation's roots are ρ ≥ 1 and 1/ρ. *)
Theorem largest_eigenvalue : forall alpha beta, 0 <= alpha * beta ->
  eigenvalue (coupling alpha beta) (spectral_radius alpha beta) /\
  forall lambda, eigenvalue (coupling alpha beta) lambda -> Rabs lambda <= spectral_radius alpha beta.
Proof.
  intros alpha beta nonnegative.
  pose proof (sum_with_inverse alpha beta nonnegative) as sum.
  assert (0 < spectral_radius alpha beta) as positive by apply exp_pos.
  assert (1 <= spectral_radius alpha beta) as expanding.
  { unfold spectral_radius. rewrite <- exp_0.
    assert (0 <= arcsinh (sqrt (alpha * beta) / 2)) as angle.
    { rewrite <- arcsinh_0. apply arcsinh_le. pose proof (sqrt_pos (alpha * beta)). lra. }
    destruct (Req_dec (arcsinh (sqrt (alpha * beta) / 2)) 0) as [null|regular].
    - rewrite null, Rmult_0_r. apply Rle_refl.
    - apply Rlt_le, exp_increasing. lra. }
  set (rho := spectral_radius alpha beta) in *.
  assert (rho * / rho = 1) as inverse by (apply Rinv_r; lra).
  assert (0 < / rho) as inverse_positive by (apply Rinv_0_lt_compat; assumption).
  assert (/ rho <= rho) as smaller by nra.
  split; [apply eigenvalue_equation; rewrite <- sum; nra|].
  intros lambda is_eigenvalue. apply eigenvalue_equation in is_eigenvalue.
  (* (λ − ρ)(λ − 1/ρ) = 0 *)
  assert ((lambda - rho) * (lambda - / rho) = 0) as factors by (rewrite <- sum in is_eigenvalue; nra).
  destruct (Rmult_integral _ _ factors) as [first|second]; rewrite Rabs_pos_eq; lra.
Qed.

(** x ≤ sinh x for x ≥ 0: the derivative of e^x − e^{−x} − 2x is (e^{x/2} − e^{−x/2})². *)
Lemma below_sinh : forall x, 0 <= x -> x <= sinh x.
Proof.
  intros x nonnegative. unfold sinh.
  set (g := fun y => exp y - exp (- y) - 2 * y).
  assert (forall y, derivable_pt_lim g y (exp y + exp (- y) - 2)) as slope.
  { intro y. unfold g.
    replace (exp y + exp (- y) - 2) with (exp y - exp (- y) * -1 - 2 * 1) by ring.
    apply derivable_pt_lim_minus with (f1 := fun y => exp y - exp (- y)) (f2 := fun y => 2 * y).
    - apply derivable_pt_lim_minus with (f1 := exp) (f2 := fun y => exp (- y)).
      + apply derivable_pt_lim_exp.
      + apply (derivable_pt_lim_comp (fun y => - y) exp y (-1) (exp (- y))).
        * replace (-1) with (- 1) by ring. apply derivable_pt_lim_opp with (f := fun y => y). apply derivable_pt_lim_id.
        * apply derivable_pt_lim_exp.
    - apply derivable_pt_lim_scal with (f := fun y => y). apply derivable_pt_lim_id. }
  assert (increasing g) as rising.
  { apply (nonneg_derivative_1 g (fun y => exist _ _ (slope y))).
    intro y. simpl.
    replace (exp y) with (exp (y / 2) * exp (y / 2)) by (rewrite <- exp_plus; f_equal; field).
    replace (exp (- y)) with (exp (- (y / 2)) * exp (- (y / 2))) by (rewrite <- exp_plus; f_equal; field).
    assert (exp (y / 2) * exp (- (y / 2)) = 1) by (rewrite <- exp_plus, Rplus_opp_r; apply exp_0).
    pose proof (Rle_0_sqr (exp (y / 2) - exp (- (y / 2)))) as square. unfold Rsqr in square. lra. }
  specialize (rising 0 x nonnegative). unfold g in rising. rewrite Ropp_0, exp_0 in rising. lra.
Qed.

Theorem largest_eigenvalue_below_exponential : forall alpha beta, 0 <= alpha * beta ->
  spectral_radius alpha beta <= exp (sqrt (alpha * beta)).
Proof.
  intros alpha beta nonnegative. unfold spectral_radius.
  set (x := sqrt (alpha * beta) / 2).
  assert (0 <= x) as x_nonnegative by (unfold x; pose proof (sqrt_pos (alpha * beta)); lra).
  (* arsinh x ≤ arsinh (sinh x) = x *)
  assert (arcsinh x <= x) as below.
  { rewrite <- (arcsinh_sinh x) at 2. apply arcsinh_le, below_sinh. assumption. }
  assert (sqrt (alpha * beta) = 2 * x) as double by (unfold x; field). rewrite double.
  destruct below as [less|same]; [apply Rlt_le, exp_increasing; lra|rewrite same; apply Rle_refl].
Qed.

(** No bound of n equal steps is below ρ^n. *)
Theorem power_of_the_largest_eigenvalue : forall alpha beta n L, 0 <= alpha * beta ->
  bounds_matrix (coupling_product (fun _ => alpha) (fun _ => beta) n) L -> spectral_radius alpha beta ^ n <= L.
Proof.
  intros alpha beta n L nonnegative bound.
  destruct (largest_eigenvalue alpha beta nonnegative) as [[u [v [nonzero [upper lower]]]] _].
  set (rho := spectral_radius alpha beta) in *.
  (* the eigenvector is multiplied by ρ in every step *)
  assert (forall m, upper_row (coupling_product (fun _ => alpha) (fun _ => beta) m) u v = rho ^ m * u /\
                    lower_row (coupling_product (fun _ => alpha) (fun _ => beta) m) u v = rho ^ m * v) as powers.
  { intro m. induction m as [|m [first second]].
    - destruct (identity_rows u v) as [first second]. simpl coupling_product. rewrite first, second. simpl. split; ring.
    - simpl coupling_product.
      destruct (multiply_rows (coupling alpha beta) (coupling_product (fun _ => alpha) (fun _ => beta) m) u v)
        as [above below].
      rewrite above, below, first, second. unfold upper_row, lower_row in *. simpl in *. split.
      + transitivity (rho ^ m * (1 * u + alpha * v)); [ring|rewrite upper; ring].
      + transitivity (rho ^ m * (beta * u + (1 + alpha * beta) * v)); [ring|rewrite lower; ring]. }
  specialize (bound u v). unfold norm_of_image in bound.
  destruct (powers n) as [first second]. rewrite first, second, norm2_scale in bound.
  apply Rle_trans with (Rabs (rho ^ n)); [apply Rle_abs|].
  apply Rmult_le_reg_r with (norm2 u v); [|assumption].
  apply sqrt_lt_R0. pose proof (Rle_0_sqr u) as u_square. pose proof (Rle_0_sqr v) as v_square. unfold Rsqr in *.
  destruct nonzero as [u_nonzero|v_nonzero].
  - pose proof (Rsqr_pos_lt _ u_nonzero) as square. unfold Rsqr in square. lra.
  - pose proof (Rsqr_pos_lt _ v_nonzero) as square. unfold Rsqr in square. lra.
Qed.
